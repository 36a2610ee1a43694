//! Pieces that the tests of the state share.
