"""Files of the page at ``/dashboard``: plain HTML, CSS and JavaScript modules, served as they are."""
