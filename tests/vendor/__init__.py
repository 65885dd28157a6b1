"""A small reference vendor plane: what a vendor must run so that an agent can work. See README.md beside this file."""
