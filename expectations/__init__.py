"""What data must satisfy: one folder for each dataset, and the two engines that decide."""
