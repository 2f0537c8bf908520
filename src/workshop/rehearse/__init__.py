"""The rehearsal: made-up attendees work through the whole lesson in a room of their own; what it took is measured."""
