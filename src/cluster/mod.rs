//! The functions of [`crate::sql`] on many machines, by Apache DataFusion Ballista.
