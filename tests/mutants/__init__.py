"""Do the tests of the gate notice a wrong criterion? Mutants of flakelens/gate, drawn at random: see __main__."""
