// The page's own words. What the gateway says arrives worded already.

const EN = {
  skip: "Skip to the message box", tagline: "Demo on your machine", rooms: "Rooms", you_are: "You are",
  demo_time: "Demo time", jump: "Jump ahead", jump_10: "+10 min", jump_day: "+1 day",
  jumped: "The demo's clock moved ahead. It is now {time}.",
  theme: "Theme", theme_light: "Light", theme_dark: "Dark", console: "Console",
  messages: "Messages", earlier: "Earlier messages", newer: "New messages", write: "Message",
  write_hint: "Mention a customer…", send: "Send", beside: "Beside the chat", trail: "What just happened",
  trail_short: "What happened", crm: "The CRM itself", crm_short: "CRM", views: "Views", chat: "Chat",
  "try": "Try", role_rep: "Sales rep", role_manager: "Manager", role_admin: "Admin", role_guest: "Guest from outside",
  role_colleague: "Not linked yet", window: "Open {name} in a second window", external: "Shared with outside",
  direct_about: "Only you and Floatcard", members_n: "{n} members", manage: "Members: {names}",
  unread: "unread", you: "you", edited: "edited", deleted: "This message was deleted.",
  joined: "{name} joined", joined_by: "{by} invited {name}", left: "{name} left", left_by: "{by} removed {name}",
  edit: "Edit", remove: "Delete", quote: "Quote", save: "Save", cancel: "Cancel", close: "Close",
  delete_title: "Delete this message?", delete_about: "Its card goes with it.",
  only_you: "Only you see this", answer_old: "Something has changed since. Press again to see it as it is now.", pending_late: "Floatcard has not heard this yet; it is sent again", pending_refused: "Floatcard could not read this; nothing came of it",
  quoting: "Replying to {name}", no_quote: "Remove the quotation",
  empty_title: "Mention a customer", empty_about: "Write as you would to a colleague. When a customer's name comes up, Floatcard floats its card under your message.",
  empty_direct: "This is your direct line to Floatcard. Alerts arrive here; /help tells what else you can ask.",
  example_1: "Visiting 华星医疗 tomorrow about the renewal", example_2: "Did 远航科技 get back to us?",
  example_3: "Call Northlake about the renewal", example_help: "/help",
  trail_empty: "Nothing has happened yet. Mention a customer, and every step of what Floatcard decided appears here: what matched, who hears it, what was withheld and why.",
  trail_none: "This house keeps no trail.",
  trail_about: "Told from the decision trail itself, newest first.", copy: "Copy trace code {trace}", copied: "Trace code {trace} copied.",
  crm_about: "This is the CRM's own screen. What you change here happens behind Floatcard's back: watch the cards follow.",
  crm_search: "Search a customer", crm_none: "No customer of this name.",
  crm_version: "version {n}", crm_saved: "Saved in the CRM.", crm_risk: "Raise a risk", crm_risk_done: "A high risk was raised in the CRM.",
  crm_back: "All customers",
  members_title: "Members of {room}", invite: "Invite", expel: "Remove", not_inside: "Not in this room",
  invite_name: "Invite {name}", expel_name: "Remove {name}",
  offline: "Connection lost. Trying again…", count: "{n} of 10,000 characters",
  repainted: "Card updated: {summary}", show_all: "Show all", show_less: "Show less", more: "More",
  undecided: "undecided", editable: "can be edited", done: "done", overdue: "overdue", saving: "Saving…",
  removed_you: "You are not in that room any more.", just_now: "just now", says: "{name}: {text}", menu: "Actions",
  tone_info: "Note", tone_warning: "Warning", tone_danger: "Important",
  error_network: "The demo did not answer. Is it still running?", error_gateway_down: "Floatcard did not answer. Nothing was changed; press again in a moment.",
  error_gateway_refused: "Floatcard refused it; nothing was changed.", error_not_a_member: "You are not in this room.",
  error_unknown_message: "This message is not there any more.", error_too_long: "That is too long: a message has at most 10,000 characters.",
  error_not_yours: "Only its author can change a message.", error_unknown_room: "This room does not exist.",
  error_unknown_person: "Nobody here has this name.", error_already_there: "They are in the room already.",
  error_not_there: "They have left the room already.", error_too_large: "That is too large to send.", error_empty: "Write something first.",
  field_name: "Name", field_phone: "Phone", field_address: "Address", field_city: "City", field_stage: "Stage", field_owner: "Owner",
  field_email: "Email", field_industry: "Industry", field_level: "Level", field_renewal: "Renewal", field_website: "Website",
  field_amount: "Amount", field_region: "Region", field_team: "Team", field_tags: "Tags",
  field_tier: "Tier", field_credit_limit: "Credit limit", field_description: "Description",
};

const ZH = {
  skip: "跳到输入框", tagline: "演示，运行在您自己的电脑上", rooms: "会话", you_are: "当前身份",
  demo_time: "演示时间", jump: "时间快进", jump_10: "快进 10 分钟", jump_day: "快进 1 天",
  jumped: "演示时钟已快进，现在是 {time}。",
  theme: "主题", theme_light: "浅色", theme_dark: "深色", console: "控制台",
  messages: "消息", earlier: "更早的消息", newer: "有新消息", write: "消息",
  write_hint: "提到一位客户试试…", send: "发送", beside: "聊天旁边", trail: "刚刚发生了什么",
  trail_short: "刚刚发生", crm: "CRM 本身", crm_short: "CRM", views: "视图", chat: "聊天",
  "try": "试一试", role_rep: "销售", role_manager: "经理", role_admin: "管理员", role_guest: "外部访客",
  role_colleague: "同事，尚未关联", window: "在第二个窗口以 {name} 打开", external: "与外部共享",
  direct_about: "只有您和 Floatcard", members_n: "{n} 位成员", manage: "成员：{names}",
  unread: "未读", you: "您", edited: "已编辑", deleted: "这条消息已删除。",
  joined: "{name} 加入了", joined_by: "{by} 邀请了 {name}", left: "{name} 离开了", left_by: "{by} 移除了 {name}",
  edit: "编辑", remove: "删除", quote: "引用", save: "保存", cancel: "取消", close: "关闭",
  delete_title: "删除这条消息？", delete_about: "它的卡片会一起消失。",
  only_you: "仅您可见", answer_old: "此后已有变化，请再按一次查看现在的内容。", pending_late: "Floatcard 还没有收到这条消息，正在重发", pending_refused: "Floatcard 无法读取这条消息，没有任何结果",
  quoting: "回复 {name}", no_quote: "去掉引用",
  empty_title: "提到一位客户", empty_about: "像平时和同事说话那样写。一旦出现客户的名字，Floatcard 会在消息下方浮出它的卡片。",
  empty_direct: "这是您和 Floatcard 的单独会话。提醒会发到这里；发送 /help 看看还能问什么。",
  example_1: "明天去华星医疗谈续约", example_2: "远航科技那边回复了吗",
  example_3: "Call Northlake about the renewal", example_help: "/help",
  trail_empty: "还没有发生什么。提到一位客户，Floatcard 的每一步决定都会出现在这里：匹配到谁、谁能看到、隐藏了什么、为什么。",
  trail_none: "这里没有决策记录。",
  trail_about: "直接来自决策记录，最新的在最上面。", copy: "复制溯源码 {trace}", copied: "已复制溯源码 {trace}。",
  crm_about: "这是 CRM 自己的界面。在这里的修改不经过 Floatcard：看看卡片怎么跟上。",
  crm_search: "搜索客户", crm_none: "没有叫这个名字的客户。",
  crm_version: "版本 {n}", crm_saved: "已保存到 CRM。", crm_risk: "提出一个风险", crm_risk_done: "已在 CRM 中提出一个高风险。",
  crm_back: "全部客户",
  members_title: "{room} 的成员", invite: "邀请", expel: "移除", not_inside: "不在这个会话里",
  invite_name: "邀请 {name}", expel_name: "移除 {name}",
  offline: "连接断开，正在重试…", count: "{n} / 10,000 字",
  repainted: "卡片已更新：{summary}", show_all: "显示全部", show_less: "收起", more: "更多",
  undecided: "待定", editable: "可编辑", done: "已完成", overdue: "逾期", saving: "正在保存…",
  removed_you: "您已不在那个会话里。", just_now: "刚刚", says: "{name}：{text}", menu: "操作",
  tone_info: "提示", tone_warning: "注意", tone_danger: "重要",
  error_network: "演示没有响应。它还在运行吗？", error_gateway_down: "Floatcard 没有响应。什么都没有改动，稍后再按一次。",
  error_gateway_refused: "Floatcard 拒绝了；什么都没有改动。", error_not_a_member: "您不在这个会话里。",
  error_unknown_message: "这条消息已经不在了。", error_too_long: "太长了：一条消息最多 10,000 字。",
  error_not_yours: "只有作者能修改自己的消息。", error_unknown_room: "没有这个会话。",
  error_unknown_person: "这里没有这个人。", error_already_there: "对方已经在会话里了。",
  error_not_there: "对方已经离开会话了。", error_too_large: "内容太大，发不出去。", error_empty: "先写点什么。",
  field_name: "名称", field_phone: "电话", field_address: "地址", field_city: "城市", field_stage: "阶段", field_owner: "负责人",
  field_email: "邮箱", field_industry: "行业", field_level: "级别", field_renewal: "续约", field_website: "网站",
  field_amount: "金额", field_region: "区域", field_team: "团队", field_tags: "标签",
  field_tier: "级别", field_credit_limit: "信用额度", field_description: "说明",
};

const CATALOGUES = { en: EN, "zh-CN": ZH };

export const locale = () => (document.documentElement.lang === "zh-CN" ? "zh-CN" : "en");

export function setLocale(tag) {
  document.documentElement.lang = tag;
}

export function has(key) {
  return key in EN;
}

export function t(key, values = {}, tag = locale()) {
  const text = (CATALOGUES[tag] || EN)[key] ?? EN[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

export function wordPage(root = document) {
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of root.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
}

export const personName = (person) => (locale() === "en" ? person.latin : person.name);
export const roomTitle = (room) => (locale() === "en" ? room.title_en : room.title);
