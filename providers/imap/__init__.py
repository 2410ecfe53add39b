"""IMAP for reading (RFC 3501/9051), SMTP submission for sending (RFC 6409)."""
