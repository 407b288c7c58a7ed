//! The queue in front of a store: gathers commands into batches and sheds load
