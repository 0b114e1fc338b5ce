"""What a sweep says of a design: effects, yield, sensitivity, and energy against loss."""
