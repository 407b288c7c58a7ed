-- cell_map/find: the map of all cells, if one is kept
SELECT version, map, next FROM cell_map WHERE only_row = 1
