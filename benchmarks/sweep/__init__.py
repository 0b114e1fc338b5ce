"""What dask adds to the points of a sweep, and how a sweep scales with its workers."""
