"""Values that are planted in the source of this folder's home."""

NUMBER = "13.371337133713371"
LABEL = "planted-label-canary"
