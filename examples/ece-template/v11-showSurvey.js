// v11 templates (rainbow, kiwi and their copies): load this LAST in chat.html, after the template's own scripts.
// Where the template would show its own survey, ours is opened; a chat without a ticket keeps the template's.
(function () {
  "use strict";
  var original = App.session.showSurvey;
  App.session.showSurvey = function () {
    if (!eceWidgetSurvey.start(App.connection && App.connection.sid)) return original.apply(this, arguments);
  };
})();
