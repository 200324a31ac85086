"""Whom to win: candidates, and campaign lists. Neither recognises anybody; that takes consent and enrolment (C1)."""
