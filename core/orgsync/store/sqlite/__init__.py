"""SQLite: the driver, its SQL, its locks and what its errors mean."""
