//! The generated contract: messages, clients, servers and the descriptor set.
