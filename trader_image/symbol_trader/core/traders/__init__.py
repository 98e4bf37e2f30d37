"""Acting: what traders do next, decided from their orders, and how that is carried out."""
