"""Who says what the gradient is: one file per oracle, one interface (`estimate.Oracle`)."""
