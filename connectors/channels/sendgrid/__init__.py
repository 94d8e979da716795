"""SendGrid: mails out (`send`), what became of them (`events`), and its account (`setup`)."""
