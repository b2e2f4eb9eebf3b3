//! Faults: when they begin, whom they hit, and how they are healed.
