<?php
// The same program as session.php with PHP's streams in curl's place:
//   dingmock run -- php session_streams.php
declare(strict_types=1);

const BASE = 'https://oapi.dingtalk.com';

function ask(string $path, array $query, ?array $body = null): array
{
    $options = ['ignore_errors' => true];
    if ($body !== null) {
        $options += ['method' => 'POST', 'header' => 'Content-Type: application/json', 'content' => json_encode($body)];
    }
    $context = stream_context_create(['http' => $options]);
    $reply = file_get_contents(BASE . $path . '?' . http_build_query($query), false, $context);
    $answer = is_string($reply) ? json_decode($reply, true) : null;
    if (!is_array($answer) || $answer['errcode'] !== 0) {
        fwrite(STDERR, "$path: $reply\n");
        exit(1);
    }
    return $answer;
}

$token = ask('/gettoken', ['appkey' => 'mock-streams', 'appsecret' => 'any'])['access_token'];
$session = ['session_id' => 's-streams', 'app_key' => 'mock-streams', 'user_id' => 'u-streams'];
ask('/topapi/v2/im/create_session', ['access_token' => $token], $session);
$current = ask('/topapi/v2/user/getsession', ['access_token' => $token], ['userid' => 'u-streams'])['result']['session'];
ask('/topapi/v2/im/close_session', ['access_token' => $token], $session);
echo 'closed ', $current['session_id'], "\n";
