"""What a step of learning costs at the paper's size: this project's tensors against plain ones."""
