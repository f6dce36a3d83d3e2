"""flakelens reads the JUnit XML of every test run and says, with evidence, how far the tests can be trusted."""

__version__ = "0.1.0"
