<?php
// The four calls that this project began with, from a program that knows the platform by its real address and PHP's own
// streams alone: a token by the corp's pair, the user's session, a session of its own, its end. The names are those of
// examples/article.json. What it leaves behind: $session, $session_id and $success.

/** Asks the platform, by POST where there are fields to send, and gives back what it answers. */
function ask(string $url, array $query, ?array $fields = null): array
{
    $http = ['timeout' => 10];
    if ($fields !== null) {
        $http += ['method' => 'POST', 'header' => ['Content-Type: application/json'], 'content' => json_encode($fields)];
    }
    $reply = json_decode(file_get_contents($url . '?' . http_build_query($query), false, stream_context_create(compact('http'))), true);
    if ($reply['errcode'] !== 0) {
        throw new RuntimeException("$url: {$reply['errcode']} {$reply['errmsg']}");
    }
    return $reply;
}

$corp = ['corpid' => 'your_corpid', 'corpsecret' => 'your_corpsecret'];
$mine = ['session_id' => 'your_session_id', 'app_key' => 'your_app_key', 'chatid' => '', 'user_id' => 'your_userid'];

['access_token' => $token] = ask('https://oapi.dingtalk.com/gettoken', $corp);
$by = ['access_token' => $token];

$found = ask('https://oapi.dingtalk.com/topapi/v2/user/getsession', $by, ['userid' => $mine['user_id']]);
['result' => ['session' => $session]] = $found;

$opened = ask('https://oapi.dingtalk.com/topapi/v2/im/create_session', $by, $mine);
['result' => ['session_id' => $session_id]] = $opened;

['success' => $success] = ask('https://oapi.dingtalk.com/topapi/v2/im/close_session', $by, ['session_id' => $session_id] + $mine);
?>
