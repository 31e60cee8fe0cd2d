//! Claims about the gateway, with the cycle played by the test.
