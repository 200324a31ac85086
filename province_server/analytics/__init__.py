"""Desensitised views of customers for analysts: nobody by name, no exact amount, nobody alone in his group."""
