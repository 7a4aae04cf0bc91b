// At the end of a chat, hand the visitor over to the survey of ECE Widget.
//
// Load this file FIRST in the page of the chat template (chat.html in v11 templates, index.html in aqua and aria),
// before the template's own scripts. The README beside it says what else to add. Change one line:
var ECE_WIDGET_SURVEY = "https://chat.example.com/survey/start"; // public_url of your widget server + /survey/start

(function () {
  "use strict";
  // Read at once: a template may change its own address later.
  var match = /[?&]ticket=([^&#]*)/.exec(window.location.search);
  var ticket = match ? decodeURIComponent(match[1].replace(/\+/g, " ")) : "";
  var sid = "";
  var started = false;

  function field(form, name, value) {
    var input = document.createElement("input");
    input.type = "hidden";
    input.name = name;
    input.value = value;
    form.appendChild(input);
  }

  // Post ticket and session id. The session id is a secret: it goes into the body of a form, never into an address.
  // Gives false, and does nothing, when this chat has no ticket or no session id: then show what you always showed.
  function start(sessionId) {
    var form = document.createElement("form");
    if (started) return true;
    if (!ticket || !(sessionId || sid)) return false;
    started = true;
    window.onbeforeunload = null; // the chat is over; "leave this page?" would be wrong now
    if (window.jQuery) window.jQuery(window).off("beforeunload");
    form.method = "post";
    form.action = ECE_WIDGET_SURVEY;
    field(form, "ticket", ticket);
    field(form, "sid", sessionId || sid);
    document.body.appendChild(form);
    form.submit();
    return true;
  }

  // Listen to the template's own chat connection (BOSH, XEP-0124): its first answer names the session id, and
  // <body type="terminate"> from either side ends it. Nothing is changed on the way.
  function watch(whenEnded) {
    var open = XMLHttpRequest.prototype.open;
    var send = XMLHttpRequest.prototype.send;
    var ended = false;

    function look(text) {
      var body = typeof text === "string" ? /<body\b[^>]*>/.exec(text) : null;
      var found = body && /\ssid=["']([^"']+)["']/.exec(body[0]);
      if (found && !sid) sid = unescaped(found[1]);
      return Boolean(body) && /\stype=["']terminate["']/.test(body[0]);
    }
    function end() {
      if (ended || !sid) return;
      ended = true;
      // Let the template finish what it does at the end of a chat.
      window.setTimeout(function () { (whenEnded || start)(sid); }, 400);
    }
    XMLHttpRequest.prototype.open = function () {
      this.addEventListener("load", function () {
        var type = this.responseType;
        var text = type === "" || type === "text" ? this.responseText
          : type === "document" && this.responseXML ? new XMLSerializer().serializeToString(this.responseXML) : "";
        if (look(text)) end();
      });
      return open.apply(this, arguments);
    };
    XMLHttpRequest.prototype.send = function (content) {
      if (look(content)) this.addEventListener("loadend", end);
      return send.apply(this, arguments);
    };
  }

  function unescaped(text) {
    return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"').replace(/&apos;/g, "'")
      .replace(/&amp;/g, "&");
  }

  window.eceWidgetSurvey = { start: start, watch: watch };
})();
