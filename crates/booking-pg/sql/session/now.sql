-- session/now: the time, read when this statement runs and not when its transaction began
SELECT clock_timestamp()
