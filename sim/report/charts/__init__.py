"""Charts of a report: what the page knows, as figures for plotly.js."""
