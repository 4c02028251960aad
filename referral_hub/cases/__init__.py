"""The survivor's file at the agency that helps: sealed sections, who is assigned, stage of help, aliases, conflict list."""
