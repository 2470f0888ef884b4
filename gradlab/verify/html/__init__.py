"""The HTML report: `page.render(record)` gives one self-contained page; charts are our own SVG, drawn by templates."""
