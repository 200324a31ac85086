"""What bulk enrolment and the import of customer data share: uploads, lists, jobs and their reports."""
