/* How many runs began in each hour, and what became of them?

hour      UTC, its beginning; an hour in which nothing began has no row
name      flow, crew or model that the first frame of a run names
runs      observed sessions that began in that hour. A crew or an agent inside of a flow is no run
failed    those of them that raised, whenever that was
crashed   those that died with their process
unended   those without an end: they run now, or their process died and nobody has written the file since

Limits: reads columns of sessions, and neither spans nor frames, so it knows format 1, too. Runs that nobody
recorded are in no hour. */
SELECT
    date_trunc('hour', started_at) AS hour,
    name,
    count(*) AS runs,
    count(*) FILTER (state = 'failed') AS failed,
    count(*) FILTER (state = 'crashed') AS crashed,
    count(*) FILTER (state = 'recording') AS unended
FROM sessions
GROUP BY ALL
ORDER BY hour, name
