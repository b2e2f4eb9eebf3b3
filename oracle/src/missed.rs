//! Why a fault did not happen: a fault that never happens proves nothing.

crate::words! {
    /// Why a fault of the plan did not take effect.
    pub enum Missed: "reason" {
        /// Its condition did not come true the number of times that it needs.
        NoCondition = "no-condition",
        /// Its time, or the delay after its condition, had not passed when everything was healed.
        Healed = "healed",
        /// Its target was not there when it was to begin: no process of that description ran.
        NoTarget = "no-target",
        /// It began, and there was nothing that it could change.
        NoEffect = "no-effect",
    }
}
