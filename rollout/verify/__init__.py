"""`dualstack verify`: whether the old path and the new one behave alike."""
