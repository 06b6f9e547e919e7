"""Cases 1 to 15 of the reliability catalogue, each on real sockets: real gateway, real protocol, fake engines, raw clients."""
