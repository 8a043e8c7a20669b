"""Every rule about the rooms is seen to refuse what it forbids."""
