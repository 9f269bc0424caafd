"""Where frames come from; the only folder that knows CrewAI."""
