"""Soft information at the province: a night's conclusions taken in, kept sealed, acting, answered by the customer.

`night_file.py` a file, checked · `loading.py` customer by customer · `nights.py` as a job · `facts.py` what is kept and
what of it holds · `notes.py` what a manager may read · `answers.py` what the customer said.
"""
