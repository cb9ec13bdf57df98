"""Rules by which jobs start and share, followed alike by the simulator and by the live executor."""
