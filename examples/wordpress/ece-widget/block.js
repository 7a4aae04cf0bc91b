/* The block "Chat button" in the editor; the page itself gets <ece-chat> from the server. */
(() => {
  "use strict";

  const { blocks, element, blockEditor, components } = window.wp;
  const { createElement } = element;
  const { InspectorControls, useBlockProps } = blockEditor;
  const { PanelBody, Placeholder, TextControl } = components;
  const texts = window.eceWidgetBlock;

  const field = (props, name, label) =>
    createElement(TextControl, {
      label,
      help: texts.empty,
      value: props.attributes[name],
      onChange: (value) => props.setAttributes({ [name]: value }),
    });

  blocks.registerBlockType("ece-widget/chat", {
    apiVersion: 2,
    title: texts.title,
    icon: "format-chat",
    category: "widgets",
    attributes: { entryPoint: { type: "string", default: "" }, theme: { type: "string", default: "" } },
    edit: (props) =>
      createElement(
        "div",
        useBlockProps(),
        createElement(
          InspectorControls,
          null,
          createElement(
            PanelBody,
            { title: texts.title },
            field(props, "entryPoint", texts.entryPoint),
            field(props, "theme", texts.theme),
          ),
        ),
        createElement(Placeholder, {
          icon: "format-chat",
          label: texts.title,
          instructions: [props.attributes.entryPoint, texts.shown].filter(Boolean).join(": "),
        }),
      ),
    save: () => null,
  });
})();
