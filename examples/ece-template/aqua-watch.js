// aqua and aria templates: load this right after ece-widget-survey.js, BEFORE the template's own scripts.
// Their inside is not documented, so this listens to the chat connection itself.
eceWidgetSurvey.watch();
