# Here because it says it is UTF-8 and is not: the name below is in Latin-1.
OWNER = "Renée"
