"""Gates: criteria over what is known of the gated branch, three-valued, each with its evidence."""
