"""From the store to a report: reads the facts, runs statistics and gate, fills the frozen types of `report`."""
