"""The domain of Yingbin (迎宾): faces, galleries, offers, trust, and the messages between tiers.

The four tiers (`edge`, `city_server`, `province_server`, `pad_client`) rest on this package and never on each other.
"""

__version__ = "0.1.0"
