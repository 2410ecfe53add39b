"""Time zones of calendar data: names of every habit, rules that stand in the data, wall times and moments."""
