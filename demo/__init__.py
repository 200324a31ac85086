"""The whole chain on loopback: starts every tier as a process and uses only their public interfaces."""
