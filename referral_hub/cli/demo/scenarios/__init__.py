"""The walk-through cases of scenarios.yaml, executed step by step through the actions that the pages call, with a held clock."""
