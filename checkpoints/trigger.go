package checkpoints

// Pattern is a recurrence rule as the service spells it.
type Pattern string
