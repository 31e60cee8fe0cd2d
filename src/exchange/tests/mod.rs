//! Claims about the exchange, by file.
