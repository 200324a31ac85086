"""The province's side of the audit trail (C12): what is recorded of each operation, anchors, the auditor's pages."""
