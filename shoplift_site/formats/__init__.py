"""How the administration writes dates and times; the site's own pages say it themselves."""
