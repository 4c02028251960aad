"""The auditor's desk: saved questions over the log, rules that find what nothing explains, findings, statements, exports."""
